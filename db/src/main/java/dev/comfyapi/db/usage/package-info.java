/// What was used, by whom, for what.
@NullMarked
package dev.comfyapi.db.usage;

import org.jspecify.annotations.NullMarked;
