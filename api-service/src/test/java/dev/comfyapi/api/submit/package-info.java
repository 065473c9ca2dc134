/// What a client may send, and what becomes of it.
@NullMarked
package dev.comfyapi.api.submit;

import org.jspecify.annotations.NullMarked;
