/// The record of who changed what.
@NullMarked
package dev.comfyapi.api.audit;

import org.jspecify.annotations.NullMarked;
