/// Reading, waiting for, listing and canceling jobs.
@NullMarked
package dev.comfyapi.api.stream;

import org.jspecify.annotations.NullMarked;
