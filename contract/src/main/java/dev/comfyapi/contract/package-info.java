/// For tests: the AsyncAPI document, and what processes send held to it.
@NullMarked
package dev.comfyapi.contract;

import org.jspecify.annotations.NullMarked;
