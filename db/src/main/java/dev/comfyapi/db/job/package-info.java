/// The jobs: accepting, reading, listing, canceling.
@NullMarked
package dev.comfyapi.db.job;

import org.jspecify.annotations.NullMarked;
