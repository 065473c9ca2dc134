/// How requests name content that the service keeps.
@NullMarked
package dev.comfyapi.model.asset;

import org.jspecify.annotations.NullMarked;
