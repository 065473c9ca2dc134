/// How much each tenant and each address may ask for, and what happens when everybody asks at once.
@NullMarked
package dev.comfyapi.api.limit;

import org.jspecify.annotations.NullMarked;
