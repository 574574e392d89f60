"use strict";
// The documents that were loaded, by path.
const documents = new Map();
function mvc(path, value) { documents.set(path, value); }
