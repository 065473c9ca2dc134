/// What was used, by whom, for what, and what it costs.
@NullMarked
package dev.comfyapi.api.usage;

import org.jspecify.annotations.NullMarked;
