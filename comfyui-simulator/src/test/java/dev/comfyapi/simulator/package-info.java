/// Conversations with the simulator, and checks of its parts.
@NullMarked
package dev.comfyapi.simulator;

import org.jspecify.annotations.NullMarked;
