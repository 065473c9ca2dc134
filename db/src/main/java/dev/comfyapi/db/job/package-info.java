/// The jobs: accepting, reading, listing, changing, canceling.
@NullMarked
package dev.comfyapi.db.job;

import org.jspecify.annotations.NullMarked;
