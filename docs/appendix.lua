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

  local function mark_of(claim, verdict)
    local mark = inlines.marks[verdict] or inlines.marks[verdict .. ' here']
    if mark then return mark end
    book.fail(('claim %s: unknown verdict "%s"'):format(claim.id, tostring(verdict)))
    return inlines.marks['not run']
  end

  local function mark_html(mark, words)
    return ('<span class="mark %s"><span aria-hidden="true">%s</span>'
      .. '<span class="vh">%s</span></span>'):format(mark.class, mark.sign, escape(words))
  end

  -- One verdict. `unlike` is the kernel before it, if that showed another.
  local function verdict_cell(claim, on, verdict, unlike)
    local words = verdict:gsub(' here$', '')
    if unlike then words = words .. ', unlike ' .. unlike end
    return ('<td%s><span class="on">%s</span>%s</td>'):format(
      unlike and ' class="changed"' or '', escape(on), mark_html(mark_of(claim, verdict), words))
  end

  -- Cells of a claim, kernel by kernel, then this machine's; whether kernels differ.
  local function verdict_cells(claim)
    local cells, last, changed = {}, nil, false
    for index, kernel in ipairs(data.kernels) do
      local verdict = claim.kernels[index].verdict
      local unlike = last and verdict ~= 'not run' and verdict ~= last.verdict and last.series
      changed = changed or unlike
      table.insert(cells, verdict_cell(claim, kernel.series, verdict, unlike))
      if verdict ~= 'not run' then last = {verdict = verdict, series = kernel.series} end
    end
    table.insert(cells, verdict_cell(claim, 'here', claim.verdict))
    return table.concat(cells), changed
  end

  -- Why a claim was not shown, each reason once, with the kernels it was given on.
  local function reasons(claim)
    local order, on = {}, {}
    local function add(series, why)
      if not why or why == '' then return end
      if not on[why] then
        on[why] = {}
        table.insert(order, why)
      end
      table.insert(on[why], series)
    end
    for index, kernel in ipairs(data.kernels) do add(kernel.series, claim.kernels[index].why) end
    add('here', claim.why)
    local html = ''
    for _, why in ipairs(order) do
      html = html .. ('<span class="why">%s: %s</span>'):format(
        escape(table.concat(on[why], ', ')), escape(why))
    end
    return html
  end

  local function claim_row(claim)
    local chapter = book.chapters[claim.chapter]
    local cells, changed = verdict_cells(claim)
    return ('<tr id="claim-%s"><th scope="row">%s%s<span class="id"><code>%s</code>, '
      .. '<a href="%s.html#claim-%s">chapter %d</a>, since %s; %s <code>%s</code></span></th>%s</tr>'):format(
      escape(claim.id), inlines.sentence(claim.sentence), reasons(claim), escape(claim.id),
      escape(claim.chapter), escape(claim.id), chapter.number, escape(claim.since),
      book.file_html(claim.path, '<code>' .. breakable(pandoc.path.filename(claim.path)) .. '</code>'),
      breakable(claim.test), cells), changed
  end

  local function legend()
    local items = {}
    for _, verdict in ipairs {'shown', 'not verified here', 'contradicted here', 'not run'} do
      local mark = inlines.marks[verdict]
      table.insert(items, ('<li><span class="mark %s" aria-hidden="true">%s</span> %s</li>'):format(
        mark.class, mark.sign, (verdict:gsub(' here$', ''))))
    end
    local shown = inlines.marks['shown']
    table.insert(items, ('<li class="changed"><span class="mark %s" aria-hidden="true">%s</span> '
      .. 'another verdict than on the kernel before</li>'):format(shown.class, shown.sign))
    return '<ul class="legend">' .. table.concat(items) .. '</ul>'
  end

  function self.generated.claims()
    local rows, heads, versions, changes = {}, {'Claim'}, {}, 0
    for _, kernel in ipairs(data.kernels) do
      table.insert(heads, escape(kernel.series))
      table.insert(versions, escape(kernel.version))
    end
    table.insert(heads, 'here')
    for _, claim in ipairs(data.claims) do
      local row, changed = claim_row(claim)
      table.insert(rows, row)
      changes = changes + (changed and 1 or 0)
    end
    local booted = #versions == 0 and '' or (' Booted for a column each: Linux %s. '
      .. 'Verdicts that are not the same on all of them: %d.'):format(
      table.concat(versions, ', '), changes)
    return raw(('<p class="built"><strong>%d claims</strong> here, on Linux %s: %s.%s</p>%s'):format(
        #data.claims, escape(data.kernel), verdicts(), booted, legend()))
      .. table_of('Claims', 'claims', heads, rows)
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
      local href = symbol.page .. '.html'
      table.insert(rows, ('<tr><th scope="row"><a href="%s#%s"><code>%s</code></a></th>'
        .. '<td>%s</td><td>%s</td></tr>'):format(
        escape(href), escape(symbol.anchor), escape(item.name),
        inlines.sentence(symbol.brief), escape(book.page_name(book.page_at[href]))))
    end
    return table_of(label, 'symbols', {'Symbol', 'What it is', 'Where'}, rows)
  end

  function self.generated.public() return symbols(true, 'Names of the library') end
  function self.generated.internal() return symbols(false, 'Names inside the library') end

  return self
end
