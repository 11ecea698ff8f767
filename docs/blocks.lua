-- Blocks under a directive (listings, sketches, outputs), figures, tables and
-- side notes. Everything is done in document order, because the data gives
-- listings and outputs by their order in the chapter. Part of book.lua.

return function(book, appendix)
  local self = {}
  local escape = book.escape
  local listings = book.data.listings[book.name] or {}
  local outputs = book.data.outputs[book.name] or {}
  local count = {listing = 0, output = 0, figure = 0, note = 0, table = 0}
  local drawn = {} -- figures that are on the page already
  local heading = book.page.title

  local function raw(html)
    return pandoc.RawBlock('html', html)
  end

  local function lines_of(text)
    local lines = {}
    for line in (text .. '\n'):gmatch('(.-)\n') do table.insert(lines, line) end
    return lines
  end

  -- Highlighted lines, each as balanced HTML.
  local function highlight(text)
    local html = book.html {pandoc.CodeBlock(text, {class = 'c'})}
    local body = html:match('<code[^>]*>(.*)</code>')
    local lines = lines_of(body)
    for index, line in ipairs(lines) do
      lines[index] = line:gsub('^<span id="[^"]*"><a [^>]*></a>', ''):gsub('</span>$', '')
    end
    return lines
  end

  -- Kinds of code with a colour of their own in style.css.
  local coloured = {}
  for kind in ('kw cf dt st ch sc dv bn fl cn pp im co'):gmatch('%a+') do coloured[kind] = true end

  -- Comments, strings and included file names hold no symbols.
  local no_symbols = {co = true, st = true, ch = true, im = true, sc = true}
  -- A member is not the function or type that has the same name.
  local function is_member(before)
    return before:match('%.%s*$') or before:match('%-&gt;%s*$')
  end

  -- Links the symbols in one line of highlighted code. `own` are those the
  -- listing itself introduces, `seen` those already linked in it: a repeated
  -- link can be clicked, but is not one more stop for the keyboard.
  local function link_symbols(line, own, seen)
    local kinds, before = {}, '' -- the spans that are open, the code so far
    local function word(amp, name)
      local href, brief = appendix.symbol(name)
      if amp == '' and href and not own[name] and not is_member(before) then
        local title = brief ~= '' and (' title="%s"'):format(escape(brief)) or ''
        local more = seen[name] and ' tabindex="-1"' or ''
        seen[name] = true
        return ('<a href="%s"%s%s>%s</a>'):format(escape(href), title, more, name)
      end
      return amp .. name
    end
    -- Words and what lies between them in turn.
    local function words(text)
      return (text:gsub('([^%w_&]*)(&?)([%w_]*)', function(gap, amp, name)
        before = before .. gap
        local html = word(amp, name)
        before = before .. amp .. name
        return gap .. html
      end))
    end
    local function span(tag)
      if tag == '</span>' then
        return coloured[table.remove(kinds)] and tag or ''
      end
      local kind = tag:match('^<span class="(%a+)">$')
      if not kind then return '' end -- the end of the line
      table.insert(kinds, kind)
      return coloured[kind] and tag or ''
    end
    return ((line .. '<>'):gsub('([^<]*)(<[^>]*>)', function(text, tag)
      local html = no_symbols[kinds[#kinds]] and text or words(text)
      return html .. span(tag)
    end))
  end

  -- `numbers` gives the line in the file of each line, 0 where lines are left
  -- out; `ids` the anchor of some.
  local function code_lines(text, numbers, own, ids)
    local out, seen = {}, {}
    for index, line in ipairs(highlight(text)) do
      local html = link_symbols(line, own, seen)
      local line_number = numbers[index] or 0
      local number = line_number > 0 and ('data-n="%d"'):format(line_number)
        or 'class="l"'
      local id = ids[index] and (' id="%s"'):format(escape(ids[index])) or ''
      out[index] = ('<span %s%s>%s\n</span>'):format(number, id, html)
    end
    return table.concat(out)
  end

  local function pre(inner)
    return '<pre tabindex="0"><code>' .. inner .. '</code></pre>'
  end

  -- The line on which each symbol of a listing stands, outside comments.
  local function symbol_lines(text, names)
    local where = {}
    local code = text:gsub('/%*.-%*/', function(comment)
      return (comment:gsub('[^\n]', ' '))
    end)
    for index, line in ipairs(lines_of(code)) do
      for _, name in ipairs(names) do
        if not where[name] and line:find('%f[%w_]' .. name .. '%f[^%w_]') then
          where[name] = index
        end
      end
    end
    return where
  end

  -- Anchors: on the figure when the listing introduces one symbol, else on
  -- the lines. What shares a line, or is in none, is anchored at the top.
  local function place_anchors(text, anchors)
    if #anchors == 1 then return anchors[1], {}, '' end
    local names, ids, extra = {}, {}, {}
    for _, anchor in ipairs(anchors) do
      table.insert(names, (anchor:gsub('^sym%-', '')))
    end
    local where = symbol_lines(text, names)
    for index, anchor in ipairs(anchors) do
      local line = where[names[index]]
      if line and not ids[line] then
        ids[line] = anchor
      else
        table.insert(extra, ('<span id="%s"></span>'):format(escape(anchor)))
      end
    end
    return nil, ids, table.concat(extra)
  end

  -- "lines 3–8, 21", from the number of each line.
  local function line_range(numbers)
    local ranges, first = {}, nil
    for index, number in ipairs(numbers) do
      first = first or number
      if numbers[index + 1] ~= number + 1 then
        if number > 0 then
          table.insert(ranges, first == number and number or ('%d–%d'):format(first, number))
        end
        first = nil
      end
    end
    return (#numbers == 1 and 'line ' or 'lines ') .. table.concat(ranges, ', ')
  end

  local function label_of(data)
    return (escape(data.label):gsub('^%l', string.upper):gsub('`([^`]*)`', '<code>%1</code>'))
  end

  local function listing(block, directive)
    count.listing = count.listing + 1
    local data = listings[count.listing]
    if not data or not directive:find(data.path, 1, true)
       or #data.numbers ~= #lines_of(block.text) then
      book.fail('this listing is not what the code says now: make sync', directive)
      return {}
    end
    local own = {}
    for _, name in ipairs(data.symbols) do own[name] = true end
    local id, ids, extra = place_anchors(block.text, data.anchors)
    local label = label_of(data)
    if id then label = ('<a href="#%s">%s</a>'):format(escape(id), label) end
    return raw(('<figure class="listing"%s><figcaption><span class="what">%s%s</span> '
      .. '<span class="where">%s, %s</span></figcaption>\n%s</figure>'):format(
      id and (' id="%s"'):format(escape(id)) or '', extra, label,
      book.file_html(data.path, escape(data.path)), line_range(data.numbers),
      pre(code_lines(block.text, data.numbers, own, ids))))
  end

  local function sketch(block)
    return raw('<figure class="listing sketch"><figcaption><span class="what">Sketch</span> '
      .. '<span class="where">compiled, but in no file of the library</span></figcaption>\n'
      .. pre(code_lines(block.text, {}, {}, {})) .. '</figure>')
  end

  -- The recorded or printed text without the line that repeats the command.
  local function without_prompt(text, command)
    local prompt = '$ ' .. command
    if text:sub(1, #prompt) == prompt then text = text:sub(#prompt + 1) end
    return (text:gsub('^\n', ''):gsub('\n+$', ''))
  end

  local function output_status(data, options)
    local status
    if data.ran then
      status = ('Linux %s, run at this build'):format(book.data.kernel)
    else
      status = 'recorded output: could not run here: ' .. (data.why or 'no reason given')
    end
    local exit = options:match('exit=(%d+)')
    if exit then status = ('exit status %s; %s'):format(exit, status) end
    return escape(status)
  end

  -- What a program prints is laid out for 80 columns. A line that is longer
  -- was not laid out at all, and is wrapped, as a terminal would.
  local function screen(text)
    local lines = lines_of(text)
    for index, line in ipairs(lines) do
      lines[index] = escape(line)
      if utf8.len(line) and utf8.len(line) > 80 then
        lines[index] = '<span class="long">' .. lines[index] .. '</span>'
      end
    end
    return pre(table.concat(lines, '\n'))
  end

  local function output(block, directive)
    count.output = count.output + 1
    book.has_output = true
    local options, command = directive:match('^<!%-%-%s*run%s*([^:]-):%s*(.-)%s*%-%->$')
    local data = outputs[count.output]
    if not data or data.command ~= command then
      book.fail('this is not the output in the data: make sync', directive)
      return {}
    end
    local recorded = without_prompt(block.text, command)
    local text = without_prompt(data.text, command)
    local html = {('<figure class="output%s"><figcaption><code class="command">%s</code> '
      .. '<span class="where">%s</span></figcaption>'):format(
      data.ran and '' or ' recorded', escape(command), output_status(data, options))}
    if text == '' then
      table.insert(html, '<p class="silent">(prints nothing)</p>')
    else
      table.insert(html, screen(text))
    end
    if data.ran and data.same == false then
      table.insert(html, '<details class="differs"><summary>On the machine where the chapter '
        .. 'was written it printed something else</summary>' .. screen(recorded)
        .. '</details>')
    end
    table.insert(html, '</figure>')
    return raw(table.concat(html, '\n'))
  end

  -- Ids in a drawing are unique in its file; prefixed, they are in the page.
  local function inline_svg(svg, prefix)
    svg = svg:gsub('<%?.-%?>', ''):gsub('<!DOCTYPE.->', ''):gsub('<!%-%-.-%-%->', '')
      :gsub('<style.-</style>', ''):gsub('%s+xmlns="[^"]*"', '')
    svg = svg:gsub('(%sid=")([^"]*)', '%1' .. prefix .. '%2')
      :gsub('(url%(#)([^)]*)', '%1' .. prefix .. '%2')
      :gsub('(href="#)([^"]*)', '%1' .. prefix .. '%2')
    svg = svg:gsub('(%saria%-%a+by=")([^"]*)', function(name, ids)
      return name .. ids:gsub('%S+', prefix .. '%0')
    end)
    return (svg:gsub('\n%s*\n', '\n'):gsub('^%s+', ''):gsub('%s+$', ''))
  end

  local function figure(image)
    count.figure = count.figure + 1
    local path = book.resolve(book.base, image.src)
    local svg = book.read_file(path)
    if not svg then
      book.fail(('there is no figure %s'):format(path), image.src)
      return {}
    end
    local number = book.is_chapter and ('%d.%d'):format(book.page.number, count.figure)
      or tostring(count.figure)
    local name = pandoc.path.filename(path):gsub('%.svg$', '')
    local id = drawn[path] and '' or (' id="fig-%s"'):format(escape(name))
    drawn[path] = true
    return raw(('<figure class="drawing"%s>\n%s\n<figcaption><span class="what">'
      .. 'Figure %s.</span> %s</figcaption></figure>'):format(
      id, inline_svg(svg, ('f%d-'):format(count.figure)), number,
      book.inline_html(image.caption)))
  end

  local function table_region(block)
    count.table = count.table + 1
    local label = ('Table %d, in “%s”'):format(count.table, heading)
    -- Widths counted in the dashes of the source say nothing about the page.
    for _, column in ipairs(block.colspecs) do column[2] = nil end
    return raw(('<div class="table" role="region" tabindex="0" aria-label="%s">\n%s</div>')
      :format(escape(label), book.html {block}))
  end

  -- A fence without directive: commands for a shell, a file's text.
  local function plain_code(block)
    return raw('<div class="plain">' .. pre(escape(block.text)) .. '</div>')
  end

  local governed = {code = listing, sketch = sketch, run = output}

  local function directive_of(block)
    if block.t ~= 'RawBlock' then return nil end
    return block.text:match('^<!%-%-%s*(%a+)')
  end

  local convert

  local function convert_items(block)
    for index, item in ipairs(block.content) do block.content[index] = convert(item) end
    return block
  end

  local containers = {
    BlockQuote = function(block) block.content = convert(block.content) return block end,
    Div = function(block) block.content = convert(block.content) return block end,
    BulletList = convert_items,
    OrderedList = convert_items,
  }

  local function convert_one(block)
    if block.t == 'Header' then
      heading = pandoc.utils.stringify(block.content)
    elseif block.t == 'CodeBlock' then
      return plain_code(block)
    elseif block.t == 'Table' then
      return table_region(block)
    elseif block.t == 'Para' and #block.content == 1 and block.content[1].t == 'Image' then
      return figure(block.content[1])
    elseif containers[block.t] then
      return containers[block.t](block)
    end
    return block
  end

  function convert(blocks)
    local out = pandoc.Blocks {}
    local kind, directive
    for _, block in ipairs(blocks) do
      local word = directive_of(block)
      if kind then
        if block.t == 'CodeBlock' then
          block = governed[kind](block, directive)
        else
          book.fail('directive without a fence below it', directive)
        end
        kind = nil
        out:extend(pandoc.List(block.t and {block} or block))
      elseif governed[word] then
        kind, directive = word, block.text
      elseif word then
        local made = appendix.generated[word]
        if made then out:extend(made(blocks)) end
      elseif block.t == 'RawBlock' and block.text:match('^<!%-%-') then
        -- an ordinary comment: not for the reader of the page
      else
        local made = convert_one(block)
        out:extend(pandoc.List(made.t and {made} or made))
      end
    end
    if kind then book.fail('directive without a fence below it', directive) end
    return out
  end

  -- Takes the notes out of a block and leaves their numbers in it.
  local function take_notes(block)
    local notes = {}
    local left = block:walk({Note = function(note)
      count.note = count.note + 1
      local number = count.note
      local back = pandoc.RawInline('html', ('<a class="back" href="#ref-%d" '
        .. 'aria-label="Note %d, back to the text">%d</a> '):format(number, number, number))
      local first = note.content[1]
      if first and (first.t == 'Para' or first.t == 'Plain') then
        first.content:insert(1, back)
      else
        table.insert(note.content, 1, pandoc.Plain {back})
      end
      table.insert(notes, ('<div class="note" role="note" id="note-%d">\n%s</div>'):format(
        number, book.html(convert(note.content))))
      return pandoc.RawInline('html', ('<sup class="noteref"><a id="ref-%d" href="#note-%d">'
        .. '<span class="vh">note </span>%d</a></sup>'):format(number, number, number))
    end})
    return left, notes
  end

  local function ends_group(block)
    return block.t == 'Header'
      or block.t == 'RawBlock' and block.text:match('^</?details')
  end

  -- A block with notes, its notes, and the blocks that follow up to the next
  -- such block or heading stand in one group: where there is room the notes
  -- get the margin of the whole group, elsewhere they follow their block.
  function self.apply(blocks)
    local out = pandoc.Blocks {}
    local pending, notes = pandoc.Blocks {}, {}
    local group = false

    local function flush()
      local done = convert(pending)
      if group and #done > 0 then
        out:insert(raw('<div class="rest">'))
        out:extend(done)
        out:insert(raw('</div>'))
      else
        out:extend(done)
      end
      if group then out:insert(raw('</div>')) end
      pending, group = pandoc.Blocks {}, false
    end

    for _, block in ipairs(blocks) do
      block, notes = take_notes(block)
      if ends_group(block) then
        flush()
        out:extend(convert {block})
      elseif #notes > 0 then
        flush()
        out:insert(raw('<div class="noted">'))
        out:extend(convert {block})
        out:insert(raw('<div class="notes">\n' .. table.concat(notes, '\n') .. '</div>'))
        group = true
      else
        pending:insert(block)
      end
    end
    flush()
    return out
  end

  return self
end
