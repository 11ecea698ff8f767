-- What happens inside a sentence: links to other sources become links to
-- pages, symbols in code voice lead to their listing, claims get their marker
-- and terms their anchor. Part of the filter book.lua.

local marks = {
  ['shown'] = {class = 'shown', sign = '✓', words = 'shown on this machine'},
  ['not verified here'] = {class = 'unverified', sign = '?', words = 'not verified here'},
  ['contradicted here'] = {class = 'contradicted', sign = '✗', words = 'contradicted here'},
  ['not run'] = {class = 'absent', sign = '–', words = 'not run'},
}

return function(book)
  local self = {marks = marks}
  local claims, terms = {}, {}
  for _, claim in ipairs(book.data.claims) do claims[claim.id] = claim end

  function self.fold(text)
    return text:gsub('%s+', ' '):lower()
  end
  for _, term in ipairs(book.data.terms) do terms[self.fold(term.term)] = term end

  -- Address of a symbol's listing as seen from this page.
  function self.symbol(name)
    local symbol = book.data.symbols[name]
    if not symbol then return nil end
    local page = symbol.page == book.name and '' or symbol.page .. '.html'
    return page .. '#' .. symbol.anchor, symbol.brief
  end

  -- The false keeps the walk out of the new link, whose text is the same code.
  local function symbol_in_prose(code)
    local name = code.text:gsub('%(%)$', ''):gsub('^%l+ ', '')
    local href, brief = self.symbol(name)
    if href then
      return pandoc.Link({code}, href, brief, {class = 'sym'}), false
    end
  end

  local function link(el, base)
    local target = el.target
    if target:match('^%a[%w+.-]*:') or target:match('^#') then return el end
    local path, fragment = target:match('^([^#]*)(.*)$')
    local file = book.resolve(base, path)
    local page = book.page_of[file]
    if page then
      if #el.content == 0 then
        el.content = pandoc.Inlines(page.number
          and ('Chapter %d, %s'):format(page.number, page.title) or page.title)
      end
      el.target = page.href .. fragment
    elseif book.read_file(file) then
      return book.file_link(el, file .. fragment)
    else
      book.fail(('link to %s: there is no file %s'):format(target, file), target)
    end
    return el
  end

  -- Links, and symbols that stand neither in a link nor in a heading.
  local function link_all(blocks, base)
    return pandoc.Pandoc(blocks):walk({
      traverse = 'topdown',
      Header = function(el) return el, false end,
      Link = function(el) return link(el, base), false end,
      Code = symbol_in_prose,
    }).blocks
  end

  function self.marker(claim, href)
    local mark = marks[claim.verdict]
    if not mark then
      book.fail(('claim %s: unknown verdict "%s"'):format(claim.id, tostring(claim.verdict)))
      mark = marks['not verified here']
    end
    return ('<a class="mark %s" href="%s" title="%s"><span aria-hidden="true">%s</span>'
            .. '<span class="vh">claim %s, %s</span></a>'):format(
      mark.class, href, book.escape('Claim: ' .. mark.words), mark.sign,
      book.escape(claim.id), mark.words)
  end

  -- A claim's sentence, and its marker after it.
  local function mark_claim(span)
    local id = span.identifier:match('^claim%-(.*)$')
    if not id then return end
    local claim = claims[id]
    if not claim then
      book.fail(('claim %s is not in the data: is there a test?'):format(id), '<span id="' .. span.identifier)
      return
    end
    span.classes:insert('claim')
    return {span, pandoc.RawInline('html', self.marker(claim, 'claims.html#claim-' .. book.escape(id)))}
  end

  local function term_id(inlines)
    local name = pandoc.utils.stringify(inlines)
    local term = terms[self.fold(name)]
    if term then return term.anchor end
    book.fail(('term "%s" is not in the data'):format(name), '<dfn>' .. name)
  end

  local function anchor_terms(inlines)
    for start, el in ipairs(inlines) do
      if el.t == 'RawInline' and el.text == '<dfn>' then
        local inside = pandoc.Inlines {}
        for index = start + 1, #inlines do
          if inlines[index].t == 'RawInline' and inlines[index].text == '</dfn>' then break end
          inside:insert(inlines[index])
        end
        local id = term_id(inside)
        if id then el.text = ('<dfn id="%s">'):format(book.escape(id)) end
      end
    end
    return inlines
  end

  function self.apply(blocks, base)
    local doc = pandoc.Pandoc(blocks):walk({Inlines = anchor_terms, Span = mark_claim})
    return link_all(doc.blocks, base)
  end

  -- A sentence taken from a chapter, shown elsewhere: links keep leading to
  -- the right place, marks of claims, terms and notes are left behind.
  function self.sentence(markdown)
    local text = markdown:gsub('<!%-%-.-%-%->', ''):gsub('</?dfn[^>]*>', '')
      :gsub('</?span[^>]*>', ''):gsub('%[%^[^%]]*%]', '')
    local doc = pandoc.read(text, 'markdown')
    return book.inline_html(pandoc.utils.blocks_to_inlines(link_all(doc.blocks, 'chapters')))
  end

  return self
end
