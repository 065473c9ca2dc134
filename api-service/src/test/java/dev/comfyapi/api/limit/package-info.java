/// Tests of what tenants may ask for.
@NullMarked
package dev.comfyapi.api.limit;

import org.jspecify.annotations.NullMarked;
