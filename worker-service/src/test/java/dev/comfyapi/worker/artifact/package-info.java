@NullMarked
package dev.comfyapi.worker.artifact;

import org.jspecify.annotations.NullMarked;
