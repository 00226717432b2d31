// Shows the answers to what is asked of the bot in place. Without this script they are pages of their own.

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const place = document.getElementById("answer");
  if (!form.classList.contains("act") || !place) return;
  event.preventDefault();
  if (place.ariaBusy === "true") return;
  const pressed = event.submitter;
  const asked = new URLSearchParams(new FormData(form, pressed));
  asked.set("part", "1");
  const address = pressed?.hasAttribute("formaction") ? pressed.formAction : form.action;
  place.ariaBusy = "true";
  place.textContent = "At work…";
  try {
    const response = await fetch(address, { method: "POST", body: asked, redirect: "error" });
    if (response.status === 401) location.reload();
    const made = document.createElement("template");
    made.innerHTML = await response.text();
    // A refusal comes as a page of its own: its sentence alone is shown.
    const sentence = made.content.querySelector(".answered") ?? made.content.querySelector("h1");
    place.replaceChildren(sentence ?? "");
    document.dispatchEvent(new CustomEvent("acted"));
  } catch {
    place.textContent = "The bot can't be reached. Look at what it did before you try again.";
  } finally {
    place.ariaBusy = "false";
    place.focus();
  }
});
