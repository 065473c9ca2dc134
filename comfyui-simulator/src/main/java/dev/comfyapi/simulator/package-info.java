/// A stand-in for ComfyUI 0.33 that speaks its HTTP and WebSocket dialect and paints pictures
/// without a GPU.
@NullMarked
package dev.comfyapi.simulator;

import org.jspecify.annotations.NullMarked;
