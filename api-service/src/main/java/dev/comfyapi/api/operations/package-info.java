/// Health, metrics, documentation, and the database's schema.
@NullMarked
package dev.comfyapi.api.operations;

import org.jspecify.annotations.NullMarked;
