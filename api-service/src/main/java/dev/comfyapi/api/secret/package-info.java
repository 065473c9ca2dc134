/// Secrets that have to be read again, and so cannot be hashed: sealed before they are stored.
@NullMarked
package dev.comfyapi.api.secret;

import org.jspecify.annotations.NullMarked;
