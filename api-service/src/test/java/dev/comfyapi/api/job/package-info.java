/// Reading, waiting for, listing and canceling jobs.
@NullMarked
package dev.comfyapi.api.job;

import org.jspecify.annotations.NullMarked;
