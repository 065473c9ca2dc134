/// One attempt from assignment to outcome: prepare, submit, follow, store, record.
@NullMarked
package dev.comfyapi.worker.attempt;

import org.jspecify.annotations.NullMarked;
