-- The parts of pages that are made from data alone. A comment such as
-- <!-- claims --> in a Markdown source is where one goes; the sentences
-- around it are written there by hand. Part of the filter book.lua.

return function(book, inlines)
  local escape = book.escape
  local data = book.data
  local self = {symbol = inlines.symbol, generated = {}}

  local function raw(html)
    return pandoc.Blocks {pandoc.RawBlock('html', html)}
  end

  local function table_of(label, class, heads, rows)
    local cells = {}
    for _, head in ipairs(heads) do
      table.insert(cells, '<th scope="col">' .. head .. '</th>')
    end
    return raw(('<div class="table %s" role="region" tabindex="0" aria-label="%s">\n<table>'
      .. '<thead><tr>%s</tr></thead>\n<tbody>\n%s\n</tbody></table></div>'):format(
      class, label, table.concat(cells), table.concat(rows, '\n')))
  end

  local function verdicts()
    local count = {}
    for word in pairs(inlines.marks) do count[word] = 0 end
    for _, claim in ipairs(data.claims) do
      count[claim.verdict] = (count[claim.verdict] or 0) + 1
    end
    return ('%d shown, %d not verified here, %d contradicted'):format(
      count['shown'], count['not verified here'], count['contradicted here'])
  end

  -- On which machine this copy was made, and what its tests said.
  function self.generated.build()
    local html = ('<p class="built">This copy was built on Linux <strong>%s</strong> (%s)%s. '
      .. '<a href="claims.html">Claims about the kernel</a>: %s.</p>'):format(
      escape(data.kernel), escape(data.machine),
      data.date and ', ' .. escape(data.date) or '', verdicts())
    if data.refused then
      html = html .. ('<p class="notice">io_uring is refused on that machine: %s</p>'):format(
        escape(tostring(data.refused)))
    end
    return raw(html)
  end

  -- The list of chapters: the sentence of each is written in the source, as
  -- "- [](../chapters/NN-name.md) What it is about."
  local function row_of(item)
    local content = item[1] and item[1].content
    local first = content and content[1]
    if not first or first.t ~= 'Link' then return nil end
    local page = book.page_of['chapters/' .. first.target:gsub('%.html$', '.md')]
    if not page or not page.number then return nil end
    content:remove(1)
    return page, book.inline_html(content):gsub('^%s+', '')
  end

  function self.generated.contents(blocks)
    local sentence = {}
    for index = #blocks, 1, -1 do
      local block = blocks[index]
      if block.t == 'BulletList' and row_of {pandoc.Plain(block.content[1][1].content)} then
        for _, item in ipairs(block.content) do
          local page, text = row_of(item)
          if page then sentence[page] = text end
        end
        blocks:remove(index)
      end
    end
    local rows = {}
    for _, page in ipairs(book.pages) do
      if page.number then
        if not sentence[page] then
          book.fail(('chapter %s has no line in the list of chapters'):format(page.source))
        end
        table.insert(rows, ('<li><span class="num" aria-hidden="true">%d</span><div>'
          .. '<a href="%s"><span class="vh">Chapter %d, </span>%s</a><p>%s</p></div></li>'):format(
          page.number, page.href, page.number, escape(page.title), sentence[page] or ''))
      end
    end
    return raw('<ol class="ladder">\n' .. table.concat(rows, '\n') .. '\n</ol>')
  end

  -- A long name may be broken behind an underscore.
  local function breakable(name)
    return (escape(name):gsub('_', '_<wbr>'))
  end

  local function claim_row(claim)
    local mark = inlines.marks[claim.verdict]
    if not mark then
      book.fail(('claim %s: unknown verdict "%s"'):format(claim.id, tostring(claim.verdict)))
      return ''
    end
    local why = claim.why and claim.why ~= '' and ': ' .. escape(claim.why) or ''
    local chapter = book.chapters[claim.chapter]
    return ('<tr id="claim-%s" class="%s"><th scope="row">%s<code class="id">%s</code></th>'
      .. '<td><a href="%s.html#claim-%s">%d. %s</a></td>'
      .. '<td>%s<br><code>%s</code></td><td>%s</td>'
      .. '<td><span class="mark %s" aria-hidden="true">%s</span> %s%s</td></tr>'):format(
      escape(claim.id), mark.class, inlines.sentence(claim.sentence), escape(claim.id),
      escape(claim.chapter), escape(claim.id), chapter.number, escape(chapter.title),
      book.file_html(claim.path, '<code>' .. breakable(pandoc.path.filename(claim.path)) .. '</code>'),
      breakable(claim.test), escape(claim.since), mark.class, mark.sign,
      escape((claim.verdict:gsub(' here$', ''))), why)
  end

  function self.generated.claims()
    local rows = {}
    for _, claim in ipairs(data.claims) do table.insert(rows, claim_row(claim)) end
    return raw(('<p class="built"><strong>%d claims</strong> on Linux %s: %s.</p>'):format(
        #data.claims, escape(data.kernel), verdicts()))
      .. table_of('Claims', 'claims',
        {'Claim', 'Chapter', 'Test', 'Since Linux', 'On this machine'}, rows)
  end

  local function by_key(list, key)
    local sorted = {}
    for _, item in ipairs(list) do table.insert(sorted, item) end
    table.sort(sorted, function(a, b) return a[key]:lower() < b[key]:lower() end)
    return sorted
  end

  -- The definitions written in the source, a definition list below the comment.
  local function take_definitions(blocks)
    local found = {}
    for index, block in ipairs(blocks) do
      if block.t == 'DefinitionList' then
        for _, item in ipairs(block.content) do
          found[inlines.fold(pandoc.utils.stringify(item[1]))] =
            book.inline_html(pandoc.utils.blocks_to_inlines(item[2][1]))
        end
        blocks[index] = pandoc.Div {}
      end
    end
    return found
  end

  -- The word by which a sentence leans on the one before it, if it does.
  local openers = {}
  for word in ('It Its They Their This That These Those'):gmatch('%a+') do openers[word] = true end
  local function leans_by(sentence)
    local first = sentence:match('%a+')
    return openers[first] and first or sentence:match('%f[%a]them%f[%A]')
  end

  -- A term is told by the sentence that introduces it, or by the definition
  -- in the source where that sentence does not stand alone.
  function self.generated.glossary(blocks)
    local defined, rows = take_definitions(blocks), {}
    for _, term in ipairs(by_key(data.terms, 'term')) do
      local key = inlines.fold(term.term)
      local told = defined[key]
      local word = not told and leans_by(term.sentence)
      if word then
        book.fail(('the sentence that introduces "%s" leans on the one before it ("%s"): '
          .. 'define the term here'):format(term.term, word))
      end
      defined[key] = nil
      local name = term.term
      if term.sentence:sub(1, #name) == name then name = name:gsub('^%u%l', string.lower) end
      table.insert(rows, ('<dt id="%s">%s</dt>\n<dd>%s <a class="from" href="%s.html#%s">%s</a></dd>')
        :format(escape(term.anchor), escape(name), told or inlines.sentence(term.sentence),
                escape(term.chapter), escape(term.anchor), escape(book.chapter_name(term.chapter))))
    end
    for key in pairs(defined) do
      book.fail(('"%s" is defined here and introduced in no chapter'):format(key), key)
    end
    return raw('<dl class="glossary">\n' .. table.concat(rows, '\n') .. '\n</dl>')
  end

  local function symbols(public, label)
    local list = {}
    for name, symbol in pairs(data.symbols) do
      if symbol.public == public then table.insert(list, {name = name, symbol = symbol}) end
    end
    local rows = {}
    table.sort(list, function(a, b) return a.name < b.name end)
    for _, item in ipairs(list) do
      local symbol = item.symbol
      local chapter = book.chapters[symbol.chapter]
      table.insert(rows, ('<tr><th scope="row"><a href="%s.html#%s"><code>%s</code></a></th>'
        .. '<td>%s</td><td>%d. %s</td></tr>'):format(
        escape(symbol.chapter), escape(symbol.anchor), escape(item.name),
        inlines.sentence(symbol.brief), chapter.number, escape(chapter.title)))
    end
    return table_of(label, 'symbols', {'Symbol', 'What it is', 'Chapter'}, rows)
  end

  function self.generated.public() return symbols(true, 'Names of the library') end
  function self.generated.internal() return symbols(false, 'Names inside the library') end

  return self
end
