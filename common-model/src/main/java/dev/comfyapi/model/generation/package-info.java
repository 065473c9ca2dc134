/// The prompt request as a checked value, the family of its model, and the graph that fulfils it.
@NullMarked
package dev.comfyapi.model.generation;

import org.jspecify.annotations.NullMarked;
