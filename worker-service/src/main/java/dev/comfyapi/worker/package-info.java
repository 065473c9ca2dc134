/// One process driving one ComfyUI: wiring only.
@NullMarked
package dev.comfyapi.worker;

import org.jspecify.annotations.NullMarked;
