/// What holds for every request.
@NullMarked
package dev.comfyapi.api.http;

import org.jspecify.annotations.NullMarked;
