/// What must hold at every moment.
@NullMarked
package dev.comfyapi.db.invariant;

import org.jspecify.annotations.NullMarked;
