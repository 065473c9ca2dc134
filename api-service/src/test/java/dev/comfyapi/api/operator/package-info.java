/// What operators see and wish.
@NullMarked
package dev.comfyapi.api.operator;

import org.jspecify.annotations.NullMarked;
