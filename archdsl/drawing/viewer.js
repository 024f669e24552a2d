// What is open, what is chosen, and the drawing of it. Text from the data only ever becomes text: textContent, never HTML.

const DATA = JSON.parse(document.getElementById("data").textContent)
const REGIONS = DATA.regions
const open = new Set()  // places of opened blocks, with their region: "layers.0@3"
const stage = document.getElementById("stage"), tip = document.getElementById("tip")
let chosen = null, zoom = 1, colours = "role", shown = []

const make = (name, classes, text) => {
  const element = document.createElement(name)
  if (classes) element.className = classes
  if (text !== undefined) element.textContent = text
  return element
}
const within = (prefix, path) => prefix && path ? `${prefix}.${path}` : prefix || path || ""
const shapeText = type => {
  const [symbolic, numbers] = DATA.types[type]
  return symbolic.length <= 28 || !numbers ? symbolic : numbers
}
const count = number => {
  for (const [unit, name] of [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (number >= unit) return Number((number / unit).toPrecision(3)) + name
  }
  return String(number)
}
const exact = number => number.toLocaleString("en-US")
const keyOf = (prefix, data) => `${within(prefix, data.inner)}@${data.region}`
/** Figures of all instances of something in a place: its own, times the uses of what is around it. Inside a layer that is
 *  declared elsewhere the weights are not counted again, and inside a declaration no work is. */
const totals = (data, times, place) => {
  const [params, macs, memory = 0] = data.figures || [0, 0], own = times * (data.times || 1)
  const work = place.idle ? 0 : own * place.steps
  return {params: place.tied ? 0 : params * own, macs: macs * work, memory: memory * work}
}
const inside = (place, data) => ({
  prefix: within(place.prefix, data.inner), times: place.times * (data.times || 1),
  steps: place.steps * (data.steps || 1), level: place.level + 1,
  tied: Boolean(place.tied || data.tied), idle: Boolean(place.idle || data.idle),
})
const ROOT = {prefix: "", times: 1, steps: 1, level: 1}

function build(number, place) {
  const region = REGIONS[number]
  const element = make("div", "region")
  const arrows = document.createElementNS(SVG, "svg")
  arrows.setAttribute("aria-hidden", "true")
  element.append(arrows)
  if (place.level > 1) element.setAttribute("role", "group")
  const view = {region, element, arrows, place}
  view.items = region.items.map(data => item(data, place, view))
  element.append(...view.items.map(it => it.element))
  return view
}

function item(data, place, view) {
  const it = {data, place, owner: view, path: data.path ? within(place.prefix, data.path) : ""}
  const opened = data.region !== undefined && open.has(keyOf(place.prefix, data))
  it.element = make("div", `item ${data.kind} ${opened ? "frame" : ""}`)
  it.element.setAttribute("role", "treeitem")
  it.element.setAttribute("aria-level", place.level)
  it.element.tabIndex = -1
  it.element.item = it
  const end = data.kind === "input" || data.kind === "output"
  if (end) it.element.classList.add(place.level > 1 ? "port" : "end")
  const head = it.head = make("div", "head")
  if (data.title) head.append(make("b", "", data.title))
  if (opened) {
    it.view = build(data.region, inside(place, data))
    it.view.holder = it
    it.element.append(head, it.view.element)
  } else {
    const alone = end && place.level > 1 && view.region.items.filter(other => other.kind === data.kind).length === 1
    for (const line of alone ? [] : data.lines || []) head.append(make("div", "", line))
    if (data.kind === "input" && (place.level === 1 || alone)) head.append(make("div", "", shapeText(data.type)))
    if (data.kind === "output" && alone) it.element.classList.add("dot")
    if (data.region !== undefined && data.figures) {
      head.append(make("div", "quiet", `${count(data.figures[0])} params, ${count(data.figures[1])} MACs`))
    }
    it.element.append(head)
  }
  it.element.classList.add(opened ? `depth${Math.min(place.level, 6)}` : colourOf(it))
  if (data.region !== undefined) {
    it.element.setAttribute("aria-expanded", String(opened))
    it.element.classList.add("block")
  }
  it.element.setAttribute("aria-label", described(it).join(", "))
  return it
}

function colourOf({data, place}) {
  if (colours === "role") return `role-${data.role}`
  const all = DATA.total[colours]
  if (!data.figures || !all) return "share0"
  const share = totals(data, place.times, place)[colours] / all
  return `share${share > 0 ? DATA.scale.filter(least => share >= least).length : 0}`
}

/** All that is known about an item, a line each. */
function described({data, place, path}) {
  const [symbolic, numbers] = DATA.types[data.type]
  const lines = [[data.title, ...(data.lines || [])].filter(Boolean).join(" · ") || data.role]
  if (path && !data.tied) lines.push(path)
  lines.push(numbers && numbers !== symbolic ? `${symbolic} = ${numbers}` : symbolic)
  if (data.figures) {
    const own = (data.times || 1) * place.times, all = totals(data, place.times, place)
    const each = own > 1 ? ` (${exact(own)} × ${exact(data.figures[0])})` : ""
    lines.push(`${exact(all.params)} parameters${each}`, `${exact(all.macs)} MACs`)
    if (all.memory) lines.push(`${count(all.memory)}B kept for backward`)
  }
  if (data.tied) lines.push(`weights of ${data.tied}`)
  if (data.place !== undefined) {
    const [name, line, text] = DATA.places[data.place]
    lines.push(`${name}:${line}`, text)
  }
  return lines
}

/** Draw anew what is open; the chosen item stays where it was on the screen. */
function draw() {
  const mark = chosen && {key: identity(chosen), top: chosen.element.getBoundingClientRect().top}
  const root = build(DATA.root, ROOT)
  stage.replaceChildren(root.element)
  const size = layOut(root)
  root.element.style.width = `${size.width}px`
  root.element.style.height = `${size.height}px`
  stage.size = size
  scale()
  shown = [...stage.querySelectorAll(".item")].map(element => element.item)
  chosen = (mark && shown.find(it => identity(it) === mark.key)) || shown[0]
  chosen.element.tabIndex = 0
  if (mark) stage.parentElement.scrollTop += chosen.element.getBoundingClientRect().top - mark.top
  tabulate()
}

const identity = it => `${it.place.prefix}/${it.owner.region.items.indexOf(it.data)}/${it.place.level}`

function scale() {
  const element = stage.firstChild
  element.style.transform = `scale(${zoom})`
  stage.style.width = `${stage.size.width * zoom}px`
  stage.style.height = `${stage.size.height * zoom}px`
}

function choose(it, {focus = true, address = true} = {}) {
  if (chosen) {
    chosen.element.tabIndex = -1
    chosen.element.classList.remove("chosen")
  }
  chosen = it
  it.element.tabIndex = 0
  it.element.classList.add("chosen")
  if (focus) it.element.focus({preventScroll: true})
  if (address && it.path) {
    try { history.replaceState(null, "", `#${encodeURI(it.path)}`) } catch { /* a frame without an address */ }
  }
}

function toggle(it) {
  if (it.data.region === undefined) return
  const key = keyOf(it.place.prefix, it.data)
  if (!open.delete(key)) open.add(key)
  choose(it, {focus: false})
  draw()
  choose(chosen)
}

/** Whether a place leads to a target, with the number of a round that stands for all others in its place. */
function leads(place, target, times) {
  const here = place.split("."), there = target.split(".")
  if (here.length > there.length) return null
  for (let i = 0; i < here.length; i++) {
    if (here[i] === there[i]) continue
    const numbers = /^\d+$/.test(here[i]) && /^\d+$/.test(there[i])
    const rounds = Number(there[i]) - Number(here[i])
    if (!numbers || !(times > 1) || rounds < 0 || rounds >= times) return null
  }
  return [...here, ...there.slice(here.length)].join(".")
}

/** Open what has to be open to see a place, and choose it. False where there is no such place. */
function reveal(target, address = true) {
  let number = DATA.root, place = ROOT, path = target
  const found = []
  for (;;) {
    const all = REGIONS[number].items
    const named = data => within(place.prefix, data.path)
    let exactly = all.findIndex(data => data.path && named(data) === path)
    if (exactly < 0) exactly = all.findIndex(data => data.region !== undefined && named(data).replace(/\.\d+$/, "") === path)
    const way = all.find(data => data.region !== undefined && leads(within(place.prefix, data.inner), path, data.times))
    const through = way && leads(within(place.prefix, way.inner), path, way.times)
    if (exactly >= 0 && (!way || way === all[exactly])) found.push([place, exactly])
    else if (way) found.push([place, all.indexOf(way)])
    else if (exactly >= 0) found.push([place, exactly])
    if (!way || through === within(place.prefix, way.inner)) break
    const next = inside(place, way)
    const deeper = REGIONS[way.region].items.some(data =>
      data.path && (within(next.prefix, data.path) === through ||
      (data.region !== undefined && leads(within(next.prefix, data.inner), through, data.times))))
    if (!deeper && !REGIONS[way.region].items.some(data => within(next.prefix, data.path) === through)) break
    open.add(keyOf(place.prefix, way))
    number = way.region
    place = next
    path = through
  }
  if (!found.length) return false
  const [last, index] = found[found.length - 1]
  draw()
  const it = shown.find(one => one.place.prefix === last.prefix && one.place.level === last.level &&
    one.owner.region.items.indexOf(one.data) === index)
  if (!it) return false
  choose(it, {address})
  it.element.scrollIntoView({block: "center", inline: "center"})
  return true
}

/** Open blocks until there is enough to see, each distinct one where it is first met. */
function unfold(limit) {
  const seen = new Set(), waiting = [[DATA.root, ROOT]]
  let boxes = 0
  while (waiting.length) {
    const [number, place] = waiting.shift()
    const region = REGIONS[number]
    boxes += region.items.length
    for (const data of region.items) {
      if (data.region === undefined || seen.has(data.region)) continue
      if (boxes + REGIONS[data.region].items.length > limit) continue
      seen.add(data.region)
      open.add(keyOf(place.prefix, data))
      boxes += REGIONS[data.region].items.length
      waiting.push([data.region, inside(place, data)])
    }
  }
}
