// No answer is lost between two of gradio's streams.
//
// Gradio sends the answers to its questions in a stream, and ends it when all have been sent. A question that is asked
// just then has its answer in no stream: gradio believes that the old one is still open, and opens no other until the
// next question. So a stream that ends while a question is under way is gone on with in a new one, and gradio does not
// hear of it.
(() => {
  const fetched = window.fetch;
  const expected = new Set(); // names of the events whose answers are still to come
  const early = new Set(); // names of those whose answers came before the server's word that it knows them
  let asked = 0; // questions that the server has not confirmed yet

  window.fetch = (input, init) => {
    const { pathname } = new URL(input?.url ?? input, document.baseURI);
    if (pathname.endsWith("/queue/join")) return join(input, init);
    if (pathname.endsWith("/queue/data")) return data(input, init);
    return fetched(input, init);
  };

  async function join(input, init) {
    asked += 1;
    try {
      const response = await fetched(input, init);
      const { event_id } = response.ok ? await response.clone().json().catch(() => ({})) : {};
      if (event_id && !early.delete(event_id)) expected.add(event_id);
      return response;
    } finally {
      asked -= 1;
    }
  }

  async function data(input, init) {
    const first = await fetched(input, init);
    if (!first.ok || !first.body) return first;
    const encoder = new TextEncoder();
    const start = async (gradio) => {
      const pass = (message) => gradio.enqueue(encoder.encode(message));
      try {
        for (let stream = first; stream; ) {
          const end = await read(stream, pass);
          stream = end && (asked || expected.size) ? await fetched(input, init).catch(() => null) : null;
          if (!stream?.ok) stream = null;
          if (!stream && end) pass(end);
        }
        gradio.close();
      } catch (error) {
        gradio.error(error);
      }
    };
    return new Response(new ReadableStream({ start }), { headers: first.headers });
  }

  // Passes the messages of a stream on, all but the one that ends it; gives that one, or null if there was none.
  async function read({ body }, pass) {
    const reader = body.getReader(), decoder = new TextDecoder();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const messages = text.split(/(?<=\n\n)/);
      text = done || messages.at(-1).endsWith("\n\n") ? "" : messages.pop();
      for (const message of messages) {
        const { msg, event_id } = parsed(message);
        if (msg === "close_stream") return message;
        if (msg === "process_completed" && !expected.delete(event_id)) early.add(event_id);
        pass(message);
      }
      if (done) return null;
    }
  }

  // What a message says; nothing of one that is not gradio's, such as a comment that keeps a connection alive.
  function parsed(message) {
    try {
      return JSON.parse(message.replace(/^data:/, ""));
    } catch {
      return {};
    }
  }
})();
