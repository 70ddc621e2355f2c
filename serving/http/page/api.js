// Calls to the API. A failed one throws an Error with the problem's detail.

async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.detail || `status ${answer.status}`), { status: answer.status });
  return told;
}

export const status = () => call("/v1/status");
export const trending = (window) => call(`/v1/trending?n=8&window=${encodeURIComponent(window)}`);
export const recommend = (question) => call("/v1/recommendations", { n: 10, explain: true, ...question });
export const send = (event) => call("/v1/events", event);
export const portrait = (user) => call(`/v1/users/${encodeURIComponent(user)}`);
export const item = (id) => call(`/v1/items/${encodeURIComponent(id)}`);
