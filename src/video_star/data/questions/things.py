"""Questions about things: which there are, where they are, and whether they are the same.

Objects are named without an article ("red cup"). A box is given as text, "[0.10, 0.20, 0.50,
0.90]", and asked for in the same form.
"""

from __future__ import annotations

BOX_FORM = "Answer with [x1, y1, x2, y2], left, top, right and bottom as parts of width and height."
"""Stands after each question for a box: without it pixels, corners and sizes are all possible."""

SET = (
    "Which things can be seen in this video?",
    "What objects does the video show?",
    "Name all that you see in this clip.",
    "Which objects appear in the clip?",
    "What is there to be seen in the video?",
    "List the things in this video.",
    "Which things play a part in the video?",
    "What are the things that this clip shows?",
    "Name the objects of this video, in any order.",
    "What can you find in this clip?",
    "Which items are in the video?",
    "What all is shown here?",
    "List everything of note in the clip.",
    "Which things do you notice in this video?",
    "Tell all the things that appear in the video.",
    "What does one see in this clip, in any order?",
    "Which of the things around us appear in this video?",
    "Watch the video. What is in it?",
    "Name each thing that the video shows.",
    "What makes up the scene of this clip?",
)
"""No fields; the answer is a set."""

_BOX = (
    "Where is the {object}?",
    "Where in the picture is the {object}?",
    "Which box holds the {object}?",
    "Draw a box around the {object}.",
    "Mark the {object} with a box.",
    "Give the box of the {object}.",
    "Find the {object} in the video.",
    "What is the place of the {object} in the picture?",
    "Where can the {object} be seen?",
    "In which part of the picture is the {object}?",
    "Locate the {object}.",
    "Put a tight box around the {object}.",
    "Which box contains the {object} in this video?",
    "Show where the {object} is.",
    "At which place does the video show the {object}?",
    "Tell the position of the {object}.",
    "What are the corners of the box around the {object}?",
    "Point out the {object} by its box.",
    "Where do you see the {object} in this clip?",
    "Name the box that fits the {object}.",
)
BOX = tuple(f"{words} {BOX_FORM}" for words in _BOX)
"""Fields: object."""

_BOX_AT = (
    "Where is the {object} at {time}?",
    "At {time}, where in the picture is the {object}?",
    "Which box holds the {object} at {time}?",
    "Draw a box around the {object} at {time}.",
    "Stop at {time} and mark the {object} with a box.",
    "Give the box of the {object} at {time}.",
    "Find the {object} at {time}.",
    "What is the place of the {object} at {time}?",
    "Where can the {object} be seen at {time}?",
    "In which part of the picture is the {object} at {time}?",
    "Locate the {object} at {time} of the video.",
    "Put a tight box around the {object} as it is at {time}.",
    "At {time} of the clip, which box contains the {object}?",
    "Show where the {object} is at {time}.",
    "At which place does the video show the {object} at {time}?",
    "Tell the position of the {object} at {time}.",
    "What are the corners of the box around the {object} at {time}?",
    "Look at the moment at {time}. Where is the {object}?",
    "Where do you see the {object} at {time} in this clip?",
    "Name the box that fits the {object} at {time}.",
)
BOX_AT = tuple(f"{words} {BOX_FORM}" for words in _BOX_AT)
"""Fields: object, time."""

IN_BOX = (
    "What is in the box {box} at {time}?",
    "Which object is in the box {box} at {time}?",
    "At {time}, what does the box {box} hold?",
    "Name the object in the box {box} at {time}.",
    "Look at the box {box} at {time}. What is it?",
    "What do you see in the box {box} at {time}?",
    "Which thing lies in the box {box} at {time}?",
    "Stop at {time}. What is inside of {box}?",
    "What is the object at {box}, at {time}?",
    "What fills the box {box} at {time} of the video?",
    "Tell which object the box {box} contains at {time}.",
    "At {time} of the clip, which object is inside of {box}?",
    "What can be found in the box {box} at {time}?",
    "Which object does the box {box} mark at {time}?",
    "The box is {box}, the time is {time}. Which object is it?",
    "What is marked by the box {box} at {time}?",
    "What kind of thing is in the box {box} at {time}?",
    "Someone draws the box {box} at {time}. Around what?",
    "Which object would you name for the box {box} at {time}?",
    "At {time}, the part {box} of the picture shows what?",
)
"""Fields: box, time."""

SAME = (
    "Are the two the same?",
    "Is it the same one both times?",
    "Are they the same, or not?",
    "Do you see the same one twice?",
    "Is the first the same as the second?",
    "Are these two the same one?",
    "Would you say that both are the same?",
    "Is there one, seen twice, or are there two?",
    "Is it one and the same, or another one?",
    "Compare the two. Are they the same?",
    "Same or not the same?",
    "Does the video show the same one again?",
    "Tell whether the two are the same.",
    "Are both the same in this video?",
    "Say whether it is the same one.",
    "Is the second one the first one again?",
    "Look at both. Are they the same or different?",
    "Do both stand for the same?",
    "Can they be told apart, or are they the same?",
    "Decide whether these are the same or different.",
)
"""No fields; the answer is that they are the same, or not."""

SAME_AT = (
    "Is the object in {first} at {first_time} the same as in {second} at {second_time}?",
    "Compare {first} at {first_time} with {second} at {second_time}. Is it the same object?",
    "Do {first} at {first_time} and {second} at {second_time} show the same object, or not?",
    "At {first_time} look at {first}, at {second_time} at {second}. Same object or not?",
    "Is there one object in {first} at {first_time} and in {second} at {second_time}, or two?",
    "Are the objects in {first} at {first_time} and in {second} at {second_time} the same?",
    "Does {second} at {second_time} hold the object that is in {first} at {first_time}?",
    "Is what {first} shows at {first_time} also what {second} shows at {second_time}?",
    "One box is {first} at {first_time}, one is {second} at {second_time}. Same object?",
    "Tell whether {first} at {first_time} and {second} at {second_time} are the same object.",
    "Would you call the objects in {first} at {first_time} and {second} at {second_time} the same?",
    "Is it one and the same object, in {first} at {first_time} and in {second} at {second_time}?",
    "Take {first} at {first_time} and {second} at {second_time}. Are both the same object?",
    "Does the object of {first} at {first_time} come again in {second} at {second_time}?",
    "At {first_time} a box is {first}, at {second_time} it is {second}. Is the object the same?",
    "Decide whether {first} at {first_time} and {second} at {second_time} mark the same object.",
    "Do both boxes, {first} at {first_time} and {second} at {second_time}, hold the same object?",
    "Could the object in {first} at {first_time} be the one in {second} at {second_time}?",
    "Is the same object to be seen in {first} at {first_time} and in {second} at {second_time}?",
    "In {first} at {first_time} is an object. Is it the one in {second} at {second_time}?",
)
"""Fields: first and second, two boxes, and the time of each."""

OBJECTS = (
    'Fill the blanks of "{template}" with what you see.',
    'Which objects belong into "{template}"?',
    'The action is "{template}". Which objects are meant?',
    'What are the things in "{template}"?',
    'Complete "{template}" for this video.',
    'Name the objects that the video uses in "{template}".',
    'In "{template}", what stands for each something?',
    'Which things does the person use for "{template}"?',
    'Put the right objects into "{template}".',
    'The video shows "{template}". With which objects?',
    'What must be written in the blanks of "{template}"?',
    'Look at the objects and complete "{template}".',
    'Someone does "{template}". What are the objects?',
    'Tell which objects fit into the blanks: "{template}".',
    'Which objects make "{template}" true for this clip?',
    'For "{template}", name every object of the video.',
    'What things take part in "{template}"?',
    'Replace the blanks by objects: "{template}".',
    'With what is "{template}" done in this clip?',
    'Read "{template}" and say which objects it is about.',
)
"""Fields: template, a sentence with blanks for objects."""

RELATION = (
    "How does the {first} relate to the {second}?",
    "What is the relation between the {first} and the {second}?",
    "What does the {first} do with the {second}?",
    "How are the {first} and the {second} related?",
    "What is there between the {first} and the {second}?",
    "What has the {first} to do with the {second}?",
    "How do the {first} and the {second} belong together?",
    "Describe how the {first} relates to the {second}.",
    "Where is the {first}, or what does it do, as seen from the {second}?",
    "In which relation is the {first} to the {second}?",
    "Tell how the {first} is related to the {second}.",
    "What links the {first} to the {second} in this video?",
    "How does the {first} act towards the {second}?",
    "What goes on between the {first} and the {second}?",
    "Look at the {first} and the {second}. What is their relation?",
    "What is the {first} to the {second} in this clip?",
    "Which relation does the video show between the {first} and the {second}?",
    "In what way are the {first} and the {second} connected?",
    "Say how the {first} stands to the {second}.",
    "What connects the {first} with the {second}?",
)
"""Fields: first, second: two things or people."""
