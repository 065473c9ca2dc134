@NullMarked
package dev.comfyapi.api.deadletter;

import org.jspecify.annotations.NullMarked;
