@NullMarked
package dev.comfyapi.worker.attempt;

import org.jspecify.annotations.NullMarked;
