/// From an HTTP body to an accepted job.
@NullMarked
package dev.comfyapi.api.submit;

import org.jspecify.annotations.NullMarked;
