/// What all endpoints share: problems, request ids, strict bodies, preferences, who calls.
@NullMarked
package dev.comfyapi.api.http;

import org.jspecify.annotations.NullMarked;
