/// What time it is: Postgres says so.
@NullMarked
package dev.comfyapi.api.clock;

import org.jspecify.annotations.NullMarked;
