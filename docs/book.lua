-- Turns one Markdown source of the book into one HTML page (pandoc Lua filter).
--
-- The work is shared out: inlines.lua does what happens inside a sentence
-- (links, symbols, claims, terms), blocks.lua does listings, outputs, figures,
-- tables and notes, appendix.lua makes the parts generated from data alone.
-- This file reads the metadata, calls them in order and fills the template.
--
-- Metadata:
--   book-data    the Lua table written by `docs/sync.py export`
--   extra-pages  Markdown sources that are pages but not chapters, in order
--   source-url   what stands before the path of a repository file in a link;
--                empty, and such files are named but not linked, so that the
--                pages lead nowhere outside their folder

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local function part(name)
  return dofile(pandoc.path.join {here, name})
end

local escapes = {['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;'}

local function escape(text)
  return (text:gsub('[&<>"]', escapes))
end

local function read_file(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read('a')
  file:close()
  return text
end

-- "chapters" and "../docs/x.md" make "docs/x.md".
local function resolve(base, path)
  local parts = {}
  for step in (base .. '/' .. path):gmatch('[^/]+') do
    if step == '..' and #parts > 0 then
      table.remove(parts)
    elseif step ~= '.' then
      table.insert(parts, step)
    end
  end
  return table.concat(parts, '/')
end

-- What every part needs to know about the page in hand.
local function make_context(meta)
  local source = PANDOC_STATE.input_files[1]
  local book = {
    source = source,
    base = pandoc.path.directory(source),
    name = pandoc.path.filename(source):gsub('%.md$', ''),
    text = read_file(source),
    data = dofile(pandoc.utils.stringify(meta['book-data'])),
    source_url = pandoc.utils.stringify(meta['source-url'] or ''),
    escape = escape, read_file = read_file, resolve = resolve,
    errors = 0,
    chapters = {}, -- by file name without suffix
    pages = {},    -- in reading order: {source, href, title, number}
    page_of = {},  -- the same by source path
    page_at = {},  -- the same by href
  }

  -- Pandoc keeps no line numbers, so the line is looked up by `needle`.
  function book.fail(message, needle)
    local number = 1
    local at = needle and book.text:find(needle, 1, true)
    if at then
      number = select(2, book.text:sub(1, at):gsub('\n', '\n')) + 1
    end
    io.stderr:write(('%s:%d: %s\n'):format(source, number, message))
    book.errors = book.errors + 1
  end

  function book.html(blocks)
    return (pandoc.write(pandoc.Pandoc(blocks), 'html',
                         {wrap_text = 'wrap-none'}))
  end

  function book.inline_html(inlines)
    return (book.html {pandoc.Plain(inlines)}:gsub('\n$', ''))
  end

  function book.file_link(el, path)
    if book.source_url == '' then return pandoc.Span(el.content) end
    el.target = book.source_url .. path
    return el
  end

  function book.file_html(path, html)
    if book.source_url == '' then return html end
    return ('<a href="%s">%s</a>'):format(escape(book.source_url .. path), html)
  end

  function book.chapter_name(file)
    local chapter = book.chapters[file]
    return ('Chapter %d, %s'):format(chapter.number, chapter.title)
  end

  function book.page_name(page)
    return page.number and ('%d. %s'):format(page.number, page.title) or page.title
  end

  local function add_page(path, href, title, number)
    local page = {source = path, href = href, title = title, number = number}
    table.insert(book.pages, page)
    book.page_of[path], book.page_at[href] = page, page
  end

  local extra = {}
  for path in pandoc.utils.stringify(meta['extra-pages']):gmatch('%S+') do
    table.insert(extra, path)
  end
  local function add_extra(path)
    local title = (read_file(path) or ''):match('^# ([^\n]+)')
    if not title then
      book.fail(path .. ' does not start with a title')
    end
    add_page(path, pandoc.path.filename(path):gsub('%.md$', '.html'), title)
  end
  add_extra(table.remove(extra, 1)) -- the front page comes first
  for _, chapter in ipairs(book.data.chapters) do
    book.chapters[chapter.file] = chapter
    add_page('chapters/' .. chapter.file .. '.md', chapter.file .. '.html',
             chapter.title, chapter.number)
  end
  for _, path in ipairs(extra) do add_extra(path) end

  book.page = book.page_of[source]
  if not book.page then
    book.fail('is in neither the data nor the list of extra pages: '
              .. 'export the data again')
    os.exit(1)
  end
  book.is_chapter = book.page.number ~= nil
  return book
end

-- The one level-1 heading becomes the page's title, outside the body.
local function take_title(book, doc)
  local first = doc.blocks[1]
  if not first or first.t ~= 'Header' or first.level ~= 1 then
    book.fail('the first block is not a level-1 heading')
    return
  end
  doc.blocks:remove(1)
  doc.meta.title = pandoc.MetaInlines(first.content)
  doc.meta['title-id'] = first.identifier
  doc.meta.pagetitle = pandoc.utils.stringify(first.content)
end

local function sections(book, blocks)
  local found = {}
  for _, block in ipairs(blocks) do
    if block.t == 'Header' and block.level == 2 then
      table.insert(found, ('<li><a href="#%s">%s</a></li>'):format(
        escape(block.identifier), book.inline_html(block.content)))
    end
  end
  if #found == 0 then return '' end
  return '<ul>' .. table.concat(found, '\n') .. '</ul>'
end

-- The contents of the whole book, the page in hand opened to its sections.
local function contents(book, section_list)
  local rows = {}
  for _, page in ipairs(book.pages) do
    if page.number then
      local here_now = page == book.page
      table.insert(rows, ('<li><a href="%s"%s><span class="num">%d</span> %s</a>%s</li>')
        :format(page.href, here_now and ' aria-current="page"' or '', page.number,
                escape(page.title), here_now and section_list or ''))
    end
  end
  local list = '<ol class="chapters">\n' .. table.concat(rows, '\n') .. '\n</ol>'
  if not book.is_chapter and section_list ~= '' then
    list = '<p>On this page</p>' .. section_list .. '<p>Chapters</p>' .. list
  end
  return list
end

local function bar(book)
  local links = {}
  for index, page in ipairs(book.pages) do
    if not page.number then
      table.insert(links, ('<li><a href="%s"%s>%s</a></li>'):format(
        page.href, page == book.page and ' aria-current="page"' or '',
        index == 1 and 'Contents' or escape(page.title)))
    end
  end
  return table.concat(links, '\n')
end

local function neighbours(book)
  for index, page in ipairs(book.pages) do
    if page == book.page then
      return book.pages[index - 1], book.pages[index + 1]
    end
  end
end

local function fill_template(book, doc, section_list)
  local function raw(name, html)
    doc.meta[name] = pandoc.MetaBlocks {pandoc.RawBlock('html', html)}
  end
  doc.meta['source-file'] = book.source
  if book.is_chapter then
    doc.meta.chapter = tostring(book.page.number)
  end
  if book.page == book.pages[1] then
    doc.meta.front = true
  end
  if section_list ~= '' then
    raw('sections', section_list)
  end
  raw('contents', contents(book, section_list))
  raw('bar', bar(book))
  local previous, following = neighbours(book)
  for key, page in pairs {previous = previous or false, following = following or false} do
    if page then
      doc.meta[key .. '-href'] = page.href
      doc.meta[key .. '-title'] = book.page_name(page)
    end
  end
  if book.data.refused and book.has_output then
    doc.meta.refused = tostring(book.data.refused)
  end
  doc.meta.kernel = book.data.kernel
end

function Pandoc(doc)
  local book = make_context(doc.meta)
  take_title(book, doc)
  local inlines = part('inlines.lua')(book)
  local appendix = part('appendix.lua')(book, inlines)
  local blocks = part('blocks.lua')(book, appendix)

  doc.blocks = inlines.apply(doc.blocks, book.base)
  local section_list = sections(book, doc.blocks)
  doc.blocks = blocks.apply(doc.blocks)
  fill_template(book, doc, section_list)
  if book.errors > 0 then os.exit(1) end
  return doc
end
