"use strict";

// The page works without this file; it brings only the button that copies the command.
const command = document.getElementById("curl");
const button = document.getElementById("copy");

async function copy() {
  try {
    await navigator.clipboard.writeText(command.textContent);
  } catch { // browsers give the clipboard to https and localhost alone
    getSelection().selectAllChildren(command);
    if (!document.execCommand("copy")) return;
  }
  document.getElementById("copy-status").textContent = button.dataset.copied;
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", copy);
}
