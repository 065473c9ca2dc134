/// Jobs as clients see them: read, wait for, list, cancel.
@NullMarked
package dev.comfyapi.api.job;

import org.jspecify.annotations.NullMarked;
