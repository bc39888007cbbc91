const cards = new Map()
const degrees = (celsius) => `${celsius.toFixed(1)} °C`

// Makes the room's card when there is none yet; in the order of the rooms' names.
function card(name) {
  if (cards.has(name)) return cards.get(name)
  const made = document.getElementById("room").content.firstElementChild.cloneNode(true)
  cards.set(name, made)
  const next = [...cards.keys()].filter((other) => other > name).sort()[0]
  document.getElementById("rooms").insertBefore(made, cards.get(next) ?? null)
  return made
}

function show({ building, room, celsius, mean, last, problem, order }) {
  const shown = card(`${building}/${room}`)
  shown.className = { "too hot": "hot", "too cold": "cold" }[problem] ?? ""
  shown.querySelector("h2").textContent = `${building} · ${room}`
  shown.querySelector(".now").textContent = degrees(celsius)
  shown.querySelector(".mean").textContent = `mean ${degrees(mean)}`
  shown.querySelector(".order").textContent = order ? `Work order: ${order.problem}` : ""
  const low = Math.min(...last) - 0.5
  const high = Math.max(...last) + 0.5
  const points = last.map((value, i) => [(100 * i) / Math.max(last.length - 1, 1), 30 - (30 * (value - low)) / (high - low)])
  shown.querySelector("polyline").setAttribute("points", points.join(" "))
  shown.querySelector("button").onclick = ({ target }) => estimate(target, building, room)
}

async function estimate(button, building, room) {
  const form = document.getElementById("estimate")
  if (!form.reportValidity()) return
  const parameters = { building, room, celsius: form.celsius.valueAsNumber, hours: form.hours.valueAsNumber }
  const answer = await fetch("/estimate", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: "", parameters }),
  })
  const { result, detail } = await answer.json()
  button.textContent = result ? `${result.euros.toFixed(2)} € at ${degrees(result.outside)} outside (${result.weather})` : detail
}

// The rooms as they are, then every change; after a lost connection again.
async function connect() {
  const link = document.getElementById("link")
  const socket = new WebSocket(new URL("/ws/rooms", location.href.replace(/^http/, "ws")))
  socket.onmessage = ({ data }) => {
    const { message_type, payload } = JSON.parse(data)
    if (message_type === "topic_message") show(payload.data)
  }
  socket.onopen = async () => {
    link.textContent = "live"
    link.className = "live"
    const answer = await fetch("/rooms")
    for (const room of (await answer.json()).result) show(room)
  }
  socket.onclose = () => {
    link.textContent = "connection lost, trying again"
    link.className = ""
    setTimeout(connect, 2000)
  }
}

connect()
