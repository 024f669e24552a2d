// The table, the search, the legend, the buttons, mouse and keys; then the first drawing.

const table = document.getElementById("rows"), search = document.getElementById("search")
const results = document.getElementById("results"), canvas = document.getElementById("canvas")

function tabulate() {
  const rows = []
  const add = (number, place) => {
    for (const data of REGIONS[number].rows) {
      const row = make("tr"), cell = make("td", "name"), opens = data.region !== undefined
      const key = opens ? keyOf(place.prefix, data) : ""
      row.setAttribute("role", "row")
      row.setAttribute("aria-level", place.level)
      cell.style.paddingLeft = `${place.level * 12 - 8}px`
      const button = make("button", "", opens ? (open.has(key) ? "▾" : "▸") : "")
      button.tabIndex = -1
      if (opens) {
        row.setAttribute("aria-expanded", String(open.has(key)))
        button.setAttribute("aria-label", open.has(key) ? "fold" : "unfold")
        button.onclick = event => {
          event.stopPropagation()
          if (!open.delete(key)) open.add(key)
          draw()
        }
      } else button.disabled = true
      cell.append(button, make("span", "label", data.label), make("span", "quiet", ` ${data.name}`))
      const all = totals(data, place.times, place), own = (data.times || 1) * place.times
      const percent = 100 * all.params / (DATA.total.params || 1)
      const share = percent < 0.05 ? "<0.1%" : `${percent.toFixed(1)}%`
      row.append(
        cell, make("td", "", data.type >= 0 ? shapeText(data.type) : ""), make("td", "", own > 1 ? `×${own}` : ""),
        make("td", "number", data.tied ? "tied" : all.params ? count(all.params) : ""),
        make("td", "number", all.params ? share : ""), make("td", "number", all.macs ? count(all.macs) : ""))
      row.title = `${within(place.prefix, data.path)}\n${exact(all.params)} parameters, ${exact(all.macs)} MACs`
      row.onclick = () => {
        if (!data.path || !reveal(within(place.prefix, data.path))) return
      }
      rows.push(row)
      if (opens && open.has(key)) add(data.region, inside(place, data))
    }
  }
  add(DATA.root, ROOT)
  table.replaceChildren(...rows)
}

/** Every distinct row and box with a place of its own, where it is first met. */
function everything() {
  const found = new Map(), seen = new Set([DATA.root]), waiting = [[DATA.root, ROOT]]
  const note = (path, words) => { if (path) found.set(path, `${found.get(path) || path} ${words}`) }
  while (waiting.length) {
    const [number, place] = waiting.shift(), {rows, items} = REGIONS[number]
    for (const data of rows) note(within(place.prefix, data.path), data.name)
    for (const data of items) if (data.path) note(within(place.prefix, data.path), [data.title, ...(data.lines || [])].join(" "))
    for (const data of [...items, ...rows]) {
      if (data.region === undefined || seen.has(data.region)) continue
      seen.add(data.region)
      waiting.push([data.region, inside(place, data)])
    }
  }
  return found
}

let index = null
function find() {
  index = index || everything()
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  const hits = words.length ? [...index].filter(([, text]) => words.every(word => text.toLowerCase().includes(word))) : []
  results.replaceChildren(...hits.slice(0, 40).map(([path, text], number) => {
    const hit = make("li")
    hit.id = `hit${number}`
    hit.setAttribute("role", "option")
    hit.append(make("b", "", path), make("span", "quiet", text.slice(path.length, path.length + 60)))
    hit.onmousedown = event => { event.preventDefault(); go(path) }
    hit.path = path
    return hit
  }))
  if (words.length && !hits.length) results.append(make("li", "quiet", "nothing found"))
  results.hidden = !words.length
  search.setAttribute("aria-expanded", String(!results.hidden))
  pick(hits.length ? 0 : -1)
}

function pick(number) {
  const hits = [...results.querySelectorAll("[role=option]")]
  hits.forEach((hit, i) => hit.setAttribute("aria-selected", String(i === number)))
  if (hits[number]) {
    search.setAttribute("aria-activedescendant", hits[number].id)
    hits[number].scrollIntoView({block: "nearest"})
  } else search.removeAttribute("aria-activedescendant")
}

function go(path) {
  results.hidden = true
  search.setAttribute("aria-expanded", "false")
  reveal(path)
}

search.oninput = find
search.onblur = () => { results.hidden = true }
search.onkeydown = event => {
  const hits = [...results.querySelectorAll("[role=option]")]
  const at = hits.findIndex(hit => hit.getAttribute("aria-selected") === "true")
  if (event.key === "ArrowDown") pick(Math.min(at + 1, hits.length - 1))
  else if (event.key === "ArrowUp") pick(Math.max(at - 1, 0))
  else if (event.key === "Enter" && hits[at]) go(hits[at].path)
  else if (event.key === "Escape") { search.value = ""; find() }
  else return
  event.preventDefault()
}

function tell(it) {
  tip.replaceChildren(...described(it).map((line, i) => make("div", i ? "" : "first", line)))
  tip.hidden = false
  const box = (it.view ? it.head : it.element).getBoundingClientRect(), own = tip.getBoundingClientRect()
  const right = box.right + 8 + own.width < innerWidth ? box.right + 8 : Math.max(4, box.left - own.width - 8)
  tip.style.left = `${right}px`
  tip.style.top = `${Math.max(4, Math.min(box.top, innerHeight - own.height - 4))}px`
}
const itemOf = event => event.target.closest && event.target.closest(".item") && event.target.closest(".item").item

stage.onmouseover = event => {
  const it = itemOf(event)
  if (it) tell(it)
}
stage.onmouseleave = () => { tip.hidden = true }
stage.addEventListener("focusin", event => { if (event.target.item) tell(event.target.item) })
stage.addEventListener("focusout", () => { tip.hidden = true })
stage.onclick = event => {
  const it = itemOf(event)
  if (!it) return
  if (it.data.region !== undefined && (!it.view || event.target.closest(".head") === it.head)) toggle(it)
  else choose(it)
}
stage.onkeydown = event => {
  const at = shown.indexOf(chosen), move = it => { if (it) { choose(it); it.element.scrollIntoView({block: "nearest", inline: "nearest"}) } }
  const child = chosen.view && chosen.view.items[0], parent = chosen.owner.holder
  switch (event.key) {
    case "ArrowDown": move(shown[at + 1]); break
    case "ArrowUp": move(shown[at - 1]); break
    case "Home": move(shown[0]); break
    case "End": move(shown[shown.length - 1]); break
    case "ArrowRight": if (chosen.data.region !== undefined && !chosen.view) toggle(chosen); else move(child); break
    case "ArrowLeft": if (chosen.view) toggle(chosen); else move(parent); break
    case "Enter": case " ": toggle(chosen); break
    case "Escape": tip.hidden = true; break
    default: return
  }
  event.preventDefault()
}
document.onkeydown = event => {
  if (event.key === "/" && event.target !== search) { search.focus(); event.preventDefault() }
}

const on = (name, action) => { document.getElementById(name).onclick = action }
const zoomTo = value => { zoom = Math.max(0.1, Math.min(3, value)); scale() }
on("fold", () => { open.clear(); draw() })
on("unfold", () => { unfold(1200); draw() })
on("larger", () => zoomTo(zoom * 1.2))
on("smaller", () => zoomTo(zoom / 1.2))
on("fit", () => zoomTo(Math.min((canvas.clientWidth - 24) / stage.size.width, (canvas.clientHeight - 24) / stage.size.height)))
on("theme", () => {
  const dark = document.documentElement.dataset.theme === "dark" ||
    (document.documentElement.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches)
  document.documentElement.dataset.theme = dark ? "light" : "dark"
})
on("panel", event => {
  const closed = document.body.classList.toggle("alone")
  event.currentTarget.setAttribute("aria-pressed", String(!closed))
})
const chooser = document.getElementById("colours")
chooser.onchange = () => { colours = chooser.value; explainColours(); draw() }

/** The legend: of the roles only those that some box of the model has. */
function explainColours() {
  const all = new Set(REGIONS.flatMap(region => region.items.map(data => data.role)))
  const entries = colours === "role"
    ? DATA.families.filter(([, , roles]) => roles.some(role => all.has(role))).map(([name, , roles]) => [name, `role-${roles[0]}`])
    : DATA.steps.map((name, i) => [name, `share${i}`])
  if (REGIONS.some(region => region.arrows.some(arrow => arrow[4]))) entries.push(["skip connection", "line"])
  document.getElementById("legend").replaceChildren(...entries.map(([name, style]) => {
    const entry = make("li", "", name)
    entry.prepend(make("i", `swatch ${style}`))
    return entry
  }))
}

window.onhashchange = () => { reveal(decodeURI(location.hash.slice(1)), false) }
chooser.value = colours = DATA.colours || "role"
unfold(48)
explainColours()
draw()
if (location.hash.length > 1) {
  let target = location.hash.slice(1)
  try { target = decodeURI(target) } catch { /* an address that somebody cut */ }
  reveal(target, false)
}
