/// How much of its limits each tenant has used.
@NullMarked
package dev.comfyapi.db.limit;

import org.jspecify.annotations.NullMarked;
