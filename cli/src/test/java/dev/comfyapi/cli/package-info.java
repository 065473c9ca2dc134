@NullMarked
package dev.comfyapi.cli;

import org.jspecify.annotations.NullMarked;
