/// Health, documents and metrics.
@NullMarked
package dev.comfyapi.api.operations;

import org.jspecify.annotations.NullMarked;
