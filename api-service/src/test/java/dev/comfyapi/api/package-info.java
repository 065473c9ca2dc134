/// The application as clients meet it: over HTTP, on a real Postgres and a real broker.
@NullMarked
package dev.comfyapi.api;

import org.jspecify.annotations.NullMarked;
