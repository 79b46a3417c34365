/** What every page runs: keys, pickers, and a word when a request fails. */
import { installKeys } from "./keys.js";
import { installPickers } from "./picker.js";
import { installFeedback } from "./feedback.js";

installKeys(document);
installPickers(document);
installFeedback(document);
