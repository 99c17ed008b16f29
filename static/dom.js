// Elements from descriptions, and the least change of a page that makes it as described.

const SVG = "http://www.w3.org/2000/svg";

/** An element; attributes that are null or false are left out, children are elements or texts. */
export function h(tag, attributes = {}, ...children) {
  return made(document.createElement(tag), attributes, children);
}

/** The same of a drawing. */
export function s(tag, attributes = {}, ...children) {
  return made(document.createElementNS(SVG, tag), attributes, children);
}

function made(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make the children of `place` like these, touching only what differs (selections and focus stay). */
export function fill(place, ...children) {
  const wanted = h("div", {}, ...children);
  morphChildren(place, wanted);
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, index) => {
    const there = old.childNodes[index];
    if (!there) old.append(node);
    else if (there.nodeName !== node.nodeName) there.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (there.data !== node.data) there.data = node.data;
    } else morph(there, node);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function morph(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const opened = name === "open"; // the reader's, not ours
    if (!opened && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}
