/// What operators see of pools and workers, and what they wish.
@NullMarked
package dev.comfyapi.db.operator;

import org.jspecify.annotations.NullMarked;
