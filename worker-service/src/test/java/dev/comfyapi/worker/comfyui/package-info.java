@NullMarked
package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.NullMarked;
