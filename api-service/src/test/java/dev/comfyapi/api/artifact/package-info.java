/// Files behind signed links.
@NullMarked
package dev.comfyapi.api.artifact;

import org.jspecify.annotations.NullMarked;
