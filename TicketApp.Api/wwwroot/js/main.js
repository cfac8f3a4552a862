import { watchHealth } from "./service-status.js";
import { startForm } from "./submit-form.js";
import { addSubmitted, startList } from "./ticket-list.js";

startForm(addSubmitted);
startList();
watchHealth();
