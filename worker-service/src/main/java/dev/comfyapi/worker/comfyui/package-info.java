/// The only code that knows ComfyUI's HTTP and WebSocket.
@NullMarked
package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.NullMarked;
