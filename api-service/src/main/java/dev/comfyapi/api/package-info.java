/// The application: what clients talk to, and the dispatcher.
@NullMarked
package dev.comfyapi.api;

import org.jspecify.annotations.NullMarked;
